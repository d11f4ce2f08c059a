/** Returns the expected number of items on each page of a listing with `total` items. */
export function expectedPageSizes(total: number, pageSize: number): number[] {
  return Array.from({ length: Math.ceil(total / pageSize) }, (_, page) =>
    Math.min(pageSize, total - page * pageSize),
  );
}
