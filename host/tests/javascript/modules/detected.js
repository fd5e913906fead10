// A file that has the syntax of a module, and is not said to be CommonJS, is one.
import { basename } from 'path';
console.log(typeof require, basename(import.meta.filename), await 5);
