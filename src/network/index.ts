/**
 * Bridges, addresses, names and published ports of one engine. Work on the kernel comes in batches for many containers; records say what the kernel
 * should look like, so that a killed engine's successor sets it right again. Nobody else's links or rules are touched.
 */
export type { AttachRequest } from "./attachment-plan.ts";
export type { AttachResult } from "./attachments.ts";
export { withNamesOf } from "./hosts-file.ts";
export { optionsWithoutEffect } from "./network-definition.ts";
export { Networks } from "./networks.ts";
export { portOwner } from "./port-owner.ts";
