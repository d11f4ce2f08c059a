import { createServer, type AddressInfo } from 'node:net';

/** The metrics of a service in this process, as a scraper sees them. */
export interface Scraper {
  /** The settings that make the service serve them where they are looked for. */
  readonly env: { readonly METRICS_PORT: string };
  /** Lines of the series whose name, with or without labels, begins so. */
  lines(prefix: string): Promise<string[]>;
}

export async function aScraper(): Promise<Scraper> {
  const port = await freePort();
  return {
    env: { METRICS_PORT: String(port) },
    lines: async (prefix) => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return text.split('\n').filter((line) => line.startsWith(prefix));
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
