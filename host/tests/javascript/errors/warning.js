// Warnings are events, and lines on standard error.
process.on('warning', (warning) => console.log(warning.name, warning.code, warning.message));
process.emitWarning('careful');
process.emitWarning('old', 'DeprecationWarning', 'DEP0');
setTimeout(() => {}, NaN);
