export const serviceNames = [
  'order-service',
  'inventory-service',
  'payment-service',
  'catalog-service',
] as const;

export type ServiceName = (typeof serviceNames)[number];

/** gRPC addresses of the services, each `host:port`. */
export interface Addresses {
  readonly order: string;
  readonly inventory: string;
  readonly payment: string;
  readonly catalog: string;
}

/** Messages from the supervisor to its parent process, over the IPC channel of Node. */
export type Report =
  | { readonly type: 'progress'; readonly message: string }
  /** Every service is ready, and the demo data is loaded unless DEV_SEED is false. */
  | { readonly type: 'ready'; readonly pid: number; readonly addresses: Addresses }
  /** The start failed; the supervisor exits. */
  | { readonly type: 'failed'; readonly message: string }
  /** The process of the service has exited after a `kill` command. */
  | { readonly type: 'killed'; readonly service: ServiceName; readonly pid: number }
  /** The service is ready on the same port after a restart. */
  | { readonly type: 'restarted'; readonly service: ServiceName; readonly pid: number };

/** Messages from the parent process to the supervisor. */
export type Command =
  /** The supervisor sends SIGKILL to the service and then restarts the service. */
  | { readonly type: 'kill'; readonly service: ServiceName }
  /** The supervisor keeps running when the channel closes. */
  | { readonly type: 'release' };
