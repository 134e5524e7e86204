/** The archive reader keeps names as byte strings; how they reach Node and libc is the system's business. */
export { libcPath, nodePath } from "../system/index.ts";
