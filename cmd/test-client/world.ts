import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { plainTransport, type Transport } from '../../pkg/rpc/transport.js';
import { Scope } from '../../pkg/runtime/scope.js';
import type { DevHandle } from '../dev/child.js';
import { Book } from './book.js';
import { openClients, openOrderClients, type Clients, type OrderClient } from './clients.js';
import type { Backend } from './backend.js';

/** What a scenario works with. */
export class World {
  /** Part of every SKU, customer and request id, so that runs do not meet. */
  readonly run = Date.now().toString(36) + randomBytes(2).toString('hex');
  readonly book = new Book();
  readonly clients: Clients;
  /** Set when the services were started for this run: they may be killed. */
  readonly dev: DevHandle | undefined;
  readonly signal: AbortSignal;
  readonly #orderAddress: string;
  readonly #transport: Transport;
  readonly #scope = new Scope();
  #requests = 0;

  constructor({ addresses, dev, transport = plainTransport }: Omit<Backend, 'close'>, signal: AbortSignal) {
    setMaxListeners(0, signal);
    this.signal = signal;
    this.dev = dev;
    this.#orderAddress = addresses.order;
    this.#transport = transport;
    this.clients = openClients(addresses, { signal, transport, retry: true });
    for (const client of Object.values(this.clients)) this.#scope.use(client);
  }

  /** Name of something of this run, such as `demo-lz3k9x-espresso`. */
  name(of: string): string {
    return `demo-${this.run}-${of}`;
  }

  nextRequestId(): string {
    this.#requests += 1;
    return `${this.run}-${this.#requests}`;
  }

  /** More clients of the order service, a connection each. Without `retry` every broken call is seen. */
  connections(count: number, { retry } = { retry: true }): OrderClient[] {
    const options = { signal: this.signal, transport: this.#transport, retry };
    const clients = openOrderClients(count, this.#orderAddress, options);
    return clients.map((client) => this.#scope.use(client));
  }

  close(): Promise<void> {
    return this.#scope.close();
  }
}
