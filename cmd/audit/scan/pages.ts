/** Reads a listing page by page. `read` returns the items of a page and the token of the next page. */
export async function* pagesOf<T>(
  read: (pageToken: string) => Promise<{ readonly items: readonly T[]; readonly nextPageToken: string }>,
): AsyncGenerator<readonly T[]> {
  let pageToken = '';
  do {
    const { items, nextPageToken } = await read(pageToken);
    yield items;
    pageToken = nextPageToken;
  } while (pageToken !== '');
}
