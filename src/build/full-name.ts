/** An image's name with everything that may be left out (distribution/reference). */
export function fullName(ref: string): string {
  if (/^sha256:|^[0-9a-f]{64}$/.test(ref)) return ref;
  const name = hasDomain(ref) ? ref : `docker.io/${familiarPath(ref)}`;
  return /[:@][^/]*$/.test(name.slice(name.indexOf("/"))) ? name : `${name}:latest`;
}

function hasDomain(ref: string): boolean {
  const [first = "", ...rest] = ref.split("/");
  return rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
}

export function familiarPath(ref: string): string {
  return ref.includes("/") ? ref : `library/${ref}`;
}
