exports.a = 1; const b = require('./cyb'); exports.b = b.seen;
