import { freePort } from './collectors.js';

/** Scrapes the metrics of a service that runs in this process. */
export interface Scraper {
  /** Settings that the service must be started with. */
  readonly env: { readonly METRICS_PORT: string };
  /** Scrapes the service and returns the lines that start with `prefix`. */
  lines(prefix: string): Promise<string[]>;
}

export async function createScraper(): Promise<Scraper> {
  const port = await freePort();
  return {
    env: { METRICS_PORT: String(port) },
    lines: async (prefix) => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return text.split('\n').filter((line) => line.startsWith(prefix));
    },
  };
}
