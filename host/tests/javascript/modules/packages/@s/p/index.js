exports.p = require.main === module; exports.q = __filename
