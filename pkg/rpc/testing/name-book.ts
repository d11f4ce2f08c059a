import { experimental } from '@grpc/grpc-js';

/** Addresses by names, in place of DNS: channels to `book:<name>` ask here. */
export class NameBook {
  readonly #addresses = new Map<string, readonly string[]>();
  readonly #asked = new Map<string, number>();

  /** @param addresses `host:port` each */
  set(name: string, addresses: readonly string[]): void {
    this.#addresses.set(name, addresses);
  }

  /** How often channels have asked for a name. */
  asked(name: string): number {
    return this.#asked.get(name) ?? 0;
  }

  endpoints(name: string): experimental.Endpoint[] {
    this.#asked.set(name, this.asked(name) + 1);
    return (this.#addresses.get(name) ?? []).map((address) => {
      const { host, port = 0 } = experimental.splitHostPort(address) ?? { host: address };
      return { addresses: [{ host, port }] };
    });
  }
}

/** The book of this process; the names in it are its tests' to keep apart. */
export const nameBook = new NameBook();

/** A look takes its time, as one of DNS does, and channels that ask meanwhile wait for it. */
const lookMs = 5;

type Target = experimental.GrpcUri;

class BookResolver implements experimental.Resolver {
  readonly #target: Target;
  readonly #listener: experimental.ResolverListener;
  #look: NodeJS.Timeout | undefined;

  constructor(target: Target, listener: experimental.ResolverListener) {
    this.#target = target;
    this.#listener = listener;
  }

  updateResolution(): void {
    this.#look ??= setTimeout(() => {
      this.#look = undefined;
      this.#listener(experimental.statusOrFromValue(nameBook.endpoints(this.#target.path)), {}, null, '');
    }, lookMs);
  }

  destroy(): void {
    clearTimeout(this.#look);
    this.#look = undefined;
  }

  static getDefaultAuthority({ path }: Target): string {
    return path;
  }
}

experimental.registerResolver('book', BookResolver);
