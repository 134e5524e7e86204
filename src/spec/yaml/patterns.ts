/**
 * Rules by path pattern (`services.*.ports.*`), as a tree that is walked beside the values: `at` goes one key further. Where a key is
 * named exactly and by `*`, the exact one is meant.
 */
export class Patterns<Rule> {
  rule: Rule | undefined;
  readonly #children = new Map<string, Patterns<Rule>>();

  static of<Rule>(table: Readonly<Record<string, Rule>>): Patterns<Rule> {
    const root = new Patterns<Rule>();
    for (const [pattern, rule] of Object.entries(table)) {
      let node = root;
      for (const part of pattern.split(".")) {
        let next = node.#children.get(part);
        if (!next) {
          next = new Patterns<Rule>();
          node.#children.set(part, next);
        }
        node = next;
      }
      node.rule = rule;
    }
    return root;
  }

  at(key: string | number): Patterns<Rule> | undefined {
    return (typeof key === "string" ? this.#children.get(key) : undefined) ?? this.#children.get("*");
  }

  /** Walks several keys. */
  along(path: readonly (string | number)[]): Patterns<Rule> | undefined {
    let node: Patterns<Rule> | undefined = this;
    for (const part of path) node = node?.at(part);
    return node;
  }
}
