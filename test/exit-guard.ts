/** How long a finished run may take to end by itself, milliseconds. */
const graceMs = 20_000;

/** Fails a run that does not end: a test has left a timer, a server or a connection open. */
export const mochaHooks = {
  afterAll(): void {
    setTimeout(() => {
      const kinds = [...new Set(process.getActiveResourcesInfo())].join(', ');
      process.stderr.write(`\nthe run is over but does not end; still open: ${kinds}\n`);
      process.exit(1);
    }, graceMs).unref();
  },
};
