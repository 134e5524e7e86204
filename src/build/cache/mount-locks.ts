/** Cache mounts with `sharing=locked` (and `private`, which gets the same exclusiveness by waiting): one step at a time per id. */
export class MountLocks {
  private readonly tails = new Map<string, Promise<void>>();

  /** Runs `work` while holding every id; ids are taken in order, so that two steps never wait for each other. */
  async hold<T>(ids: readonly string[], work: () => Promise<T>): Promise<T> {
    const [id, ...rest] = [...new Set(ids)].sort();
    if (id === undefined) return await work();
    const before = this.tails.get(id);
    let release = () => {};
    const mine = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.tails.set(id, mine);
    try {
      await before;
      return await this.hold(rest, work);
    } finally {
      if (this.tails.get(id) === mine) this.tails.delete(id);
      release();
    }
  }
}
