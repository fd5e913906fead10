module.exports = "in"
