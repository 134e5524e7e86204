import { expect, test } from "vitest";
import { mountArguments } from "./volume-mount.ts";

test.each([
  [{ type: "tmpfs", device: "tmpfs", o: "size=1m" }, "-t tmpfs -o size=1m -- tmpfs /v"],
  [{ type: "none", device: "/d", o: "bind,ro" }, "--bind -o ro -- /d /v"],
  [{ type: "none", device: "/d", o: "rbind" }, "--bind -o rbind -- /d /v"],
  [{ type: "nfs", device: ":/x", o: "addr=192.0.2.1,rw,nfsvers=4" }, "-t nfs -o rw,nfsvers=4 -- 192.0.2.1:/x /v"],
  [{ type: "nfs4", device: ":/x", o: "addr=fd00::1" }, "-t nfs4 -- [fd00::1]:/x /v"],
  [{ type: "nfs", device: "host:/x", o: "rw" }, "-t nfs -o rw -- host:/x /v"],
  [{ type: "cifs", device: "//h/s", o: "addr=h,username=u" }, "-t cifs -o addr=h,username=u -- //h/s /v"],
])("%j", (options, wanted) => {
  expect(mountArguments(options, "/v").join(" ")).toBe(wanted);
});
