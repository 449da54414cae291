/** Names that adapters may build their own from. */

/** @throws {Error} */
export function plainName(name: string): string {
  if (!/^[A-Za-z][A-Za-z0-9]*$/.test(name)) throw new Error(`not a name for a projection or collection: ${name}`);
  return name;
}

/** @throws {Error} */
export function plainPath(path: string): string {
  if (!/^[A-Za-z0-9]+(\.[A-Za-z0-9]+)*$/.test(path)) throw new Error(`not a field of a document: ${path}`);
  return path;
}
