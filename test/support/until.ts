/** Asks every 50 ms until the check answers something true, and gives that; fails with the last answer or error after `timeoutMs`. */
export async function until<T>(check: () => Promise<T> | T, o: { timeoutMs: number; what: string }): Promise<T> {
  const end = Date.now() + o.timeoutMs;
  let last: unknown;
  while (Date.now() < end) {
    try {
      const answer = await check();
      if (answer) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${o.what}: not within ${o.timeoutMs} ms; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`);
}
