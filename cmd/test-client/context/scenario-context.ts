import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { plainTransport, type Transport } from '../../../pkg/rpc/index.js';
import { Scope } from '../../../pkg/runtime/index.js';
import type { DevHandle } from '../../dev/start-dev.js';
import { openClients, openOrderClients, type Clients, type OrderClient } from './clients.js';
import { RunLog } from './run-log.js';
import type { SystemUnderTest } from './system-under-test.js';

/** Clients, name generator and log of one run. The scenarios of the run share the context. */
export class ScenarioContext {
  /** Id of the run. Every SKU, customer id and request id contains this id, so that runs do not conflict. */
  readonly run = Date.now().toString(36) + randomBytes(2).toString('hex');
  readonly log = new RunLog();
  readonly clients: Clients;
  /** Control of the services; undefined when the services were not started for this run. */
  readonly dev: DevHandle | undefined;
  readonly signal: AbortSignal;
  readonly #orderAddress: string;
  readonly #transport: Transport;
  readonly #scope = new Scope();
  #requests = 0;

  constructor(
    { addresses, dev, transport = plainTransport }: Omit<SystemUnderTest, 'close'>,
    signal: AbortSignal,
  ) {
    setMaxListeners(0, signal);
    this.signal = signal;
    this.dev = dev;
    this.#orderAddress = addresses.order;
    this.#transport = transport;
    this.clients = openClients(addresses, { signal, transport, retry: true });
    for (const client of Object.values(this.clients)) this.#scope.use(client);
  }

  /** A name that is unique to this run, such as `demo-lz3k9x-espresso`. */
  name(suffix: string): string {
    return `demo-${this.run}-${suffix}`;
  }

  nextRequestId(): string {
    this.#requests += 1;
    return `${this.run}-${this.#requests}`;
  }

  /** Opens clients of the order service. Each client has its own channel, which retries calls if `retry` is true. */
  connections(count: number, { retry } = { retry: true }): OrderClient[] {
    const options = { signal: this.signal, transport: this.#transport, retry };
    const clients = openOrderClients(count, this.#orderAddress, options);
    return clients.map((client) => this.#scope.use(client));
  }

  close(): Promise<void> {
    return this.#scope.close();
  }
}
