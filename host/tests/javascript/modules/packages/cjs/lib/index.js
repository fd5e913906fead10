exports.x = 1; exports.y = function y() {}; Object.defineProperty(exports, "__esModule", {value:true}); exports.default = "dflt";
