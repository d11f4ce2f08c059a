/** The services that `dev` runs. */
export const serviceNames = [
  'order-service',
  'inventory-service',
  'payment-service',
  'catalog-service',
] as const;

export type ServiceName = (typeof serviceNames)[number];

/** Where the services take calls, each `host:port`. */
export interface Addresses {
  readonly order: string;
  readonly inventory: string;
  readonly payment: string;
  readonly catalog: string;
}

/** What the supervisor tells the process that started it, over Node's IPC channel. */
export type Report =
  | { readonly type: 'progress'; readonly message: string }
  /** Everything serves and the demo data is loaded. */
  | { readonly type: 'ready'; readonly pid: number; readonly addresses: Addresses }
  /** It did not start; the supervisor ends. */
  | { readonly type: 'failed'; readonly message: string }
  /** A `kill` was carried out: the process is dead. */
  | { readonly type: 'killed'; readonly service: ServiceName; readonly pid: number }
  /** A service that had ended serves again, on the same port. */
  | { readonly type: 'restarted'; readonly service: ServiceName; readonly pid: number };

/** What the process that started the supervisor may ask of it. */
export type Command =
  /** SIGKILL to a service, which is then restarted. */
  | { readonly type: 'kill'; readonly service: ServiceName }
  /** From now on the end of the channel is no reason to stop. */
  | { readonly type: 'release' };
