import { experimental } from '@grpc/grpc-js';

/** Replaces DNS for channels with the target `test-names:<name>`. */
class TestNames {
  readonly #addresses = new Map<string, readonly string[]>();
  readonly #resolutions = new Map<string, number>();

  /** @param addresses in the format `host:port` */
  set(name: string, addresses: readonly string[]): void {
    this.#addresses.set(name, addresses);
  }

  /** Returns how often a name was resolved. */
  resolutions(name: string): number {
    return this.#resolutions.get(name) ?? 0;
  }

  endpoints(name: string): experimental.Endpoint[] {
    this.#resolutions.set(name, this.resolutions(name) + 1);
    return (this.#addresses.get(name) ?? []).map((address) => {
      const { host, port = 0 } = experimental.splitHostPort(address) ?? { host: address };
      return { addresses: [{ host, port }] };
    });
  }
}

/** All tests in this process share this object, so each test needs a unique name. */
export const testNames = new TestNames();

/** Simulated DNS latency. Requests during a pending resolution do not start another resolution. */
const resolutionMs = 5;

type Target = experimental.GrpcUri;

class TestResolver implements experimental.Resolver {
  readonly #target: Target;
  readonly #listener: experimental.ResolverListener;
  #timer: NodeJS.Timeout | undefined;

  constructor(target: Target, listener: experimental.ResolverListener) {
    this.#target = target;
    this.#listener = listener;
  }

  updateResolution(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#listener(experimental.statusOrFromValue(testNames.endpoints(this.#target.path)), {}, null, '');
    }, resolutionMs);
  }

  destroy(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  static getDefaultAuthority({ path }: Target): string {
    return path;
  }
}

experimental.registerResolver('test-names', TestResolver);
