exports.kind="require"
