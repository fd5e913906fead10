export const kind="import"
