export { ExposureHook } from './hook.js';
export { FileSink } from './file-sink.js';
export { exposedArm } from './served.js';
