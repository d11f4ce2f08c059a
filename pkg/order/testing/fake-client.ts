/** A client that records its requests and returns the result of `respond` from every method. */
export class FakeClient {
  readonly requests: unknown[] = [];
  respond: (method: string) => unknown = () => ({});

  readonly client = new Proxy(
    {},
    {
      get: (_, method) => async (request: unknown) => {
        this.requests.push({ [String(method)]: request });
        return this.respond(String(method));
      },
    },
  );

  fail(error: Error): void {
    this.respond = () => {
      throw error;
    };
  }
}
