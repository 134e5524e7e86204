import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ImageStore, loadArchive, pull, push, saveArchive } from "../../../src/image/index.ts";
import { type BuildRoom, buildRoom } from "../../support/build-room.ts";
import { ImageStores } from "../../support/image-stores.ts";
import { type TestRegistry, testRegistry } from "../../support/registry.ts";

const stores = new ImageStores();
const { signal } = new AbortController();
let room: BuildRoom;
let registry: TestRegistry;

beforeAll(async () => {
  [room, registry] = await Promise.all([buildRoom(), testRegistry()]);
});
afterAll(async () => {
  await Promise.all([room[Symbol.asyncDispose](), registry[Symbol.asyncDispose]()]);
  await stores[Symbol.asyncDispose]();
});

/** The whole file system as one digest: every name, mode, owner, time, link, device, attribute and byte. */
async function rootfs(store: ImageStore, ref: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of store.rootfsTar(ref)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

const Dockerfile = `FROM busybox
RUN mkdir -p /d/e /gone/x /replaced/y /link-target && touch /d/f /d/e/g /gone/x/1 /replaced/y/z && echo one > /lower
RUN rm -r /gone && rm -r /replaced && echo file > /replaced && rm -r /d/e && mkdir /d/e && touch /d/e/new && rm /d/f
RUN ln /lower /hard && echo two >> /lower && ln -s ../nowhere /dangling && mkfifo -m 600 /pipe && mknod /dev-c c 10 200 && mknod /dev-b b 7 0
RUN dd if=/dev/urandom of=/sparse bs=1k count=4 seek=4096 2>/dev/null && chmod 4755 /bin/cat && chmod 1777 /d && chown 4000000:5000000 /lower
RUN long=$(printf '%0200d' 7) && mkdir -p /$long/$long && echo deep > /$long/$long/$long && ln -s $long/$long/$long /long-link
RUN printf 'a' > "$(printf '/new\\nline')" && printf 'b' > "$(printf '/\\377bytes')" && touch -d @1000000000 /d/e/new
`;

it("whatever a layer can hold comes through save, load, push and pull unchanged", async () => {
  const built = await room.build({ Dockerfile }, { tags: ["trip:1"] });
  const whole = await rootfs(room.images, "trip:1");
  const loaded = stores.make();
  const [one] = await loadArchive(loaded, saveArchive(room.images, ["trip:1"], { signal }), signal);
  expect(one?.id).toBe(built.imageId);
  expect(await rootfs(loaded, "trip:1")).toBe(whole);
  room.images.tag("trip:1", `${registry.host}/trip:1`);
  const { digest } = await push(room.images, `${registry.host}/trip:1`, { signal });
  const pulled = stores.make();
  expect(await pull(pulled, `${registry.host}/trip@${digest}`, { signal })).toBe(built.imageId);
  expect(await rootfs(pulled, built.imageId)).toBe(whole);
  const again = stores.make();
  await loadArchive(again, saveArchive(pulled, [built.imageId], { format: "oci", signal }), signal);
  expect(await rootfs(again, built.imageId)).toBe(whole);
});
