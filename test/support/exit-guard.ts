/** The process must exit within this time after the last test. */
const exitTimeoutMs = 20_000;

/** Fails a run whose process does not exit, because a test left a timer, server or connection open. */
export const mochaHooks = {
  afterAll(): void {
    setTimeout(() => {
      const kinds = [...new Set(process.getActiveResourcesInfo())].join(', ');
      process.stderr.write(`\nthe run is complete but the process does not exit; still open: ${kinds}\n`);
      process.exit(1);
    }, exitTimeoutMs).unref();
  },
};
