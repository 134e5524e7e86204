import { MergedTree } from "../../../build/index.ts";
import { sendTree, sentEntries } from "../files/send-tree.ts";
import { type Exporter, fileSend } from "./exporter.ts";

/** `local`: the result's files into a directory of the client. */
export const localExporter: Exporter = async ({ lowerDirs, epochIso }, { index, progress, signal, session }) => {
  const vertex = progress.declare("exporting to client directory");
  return await progress.run(vertex, async () => {
    const client = await session();
    // The stream carries the packets of FileSync under the other service's name.
    const stream = client.open(fileSend, "DiffCopy", {
      signal,
      messagesOf: { service: "moby.filesync.v1.FileSync", method: "DiffCopy" },
      metadata: { "buildkit-attachable-exporter-id": String(index) },
    });
    let total = 0;
    const tell = (done: boolean) => progress.transfer(vertex, { id: "copying files", current: total, total: 0, done });
    const watch = setInterval(() => tell(false), 100);
    try {
      const tree = new MergedTree([...lowerDirs], "the result");
      await sendTree(stream, sentEntries(tree, epochIso === undefined ? undefined : Date.parse(epochIso)), (bytes) => {
        total = bytes;
      });
    } finally {
      clearInterval(watch);
    }
    tell(true);
    return {};
  });
};
