exports.seen = require('./cya').a
