module.exports="sub"
