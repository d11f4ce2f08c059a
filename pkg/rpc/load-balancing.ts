import { connectivityState, experimental } from '@grpc/grpc-js';

type AddressUpdate = Parameters<experimental.LoadBalancer['updateAddressList']>;

/** How often the addresses of a target are asked for, milliseconds. */
export interface Lookups {
  /** While there is no connection. */
  readonly searchMs: number;
  /** While there is one; round robin asks by itself as long as another address is not connected. */
  readonly refreshMs: number;
}

const policy = 'looked_up_round_robin';
const roundRobin = experimental.parseLoadBalancingConfig({ round_robin: {} });
/**
 * As often as the resolver allows, and about as long as answers of a cluster's DNS live: a new replica is found within
 * a minute of its readiness, which would otherwise wait until a server closes connections for their age.
 */
export const usualLookups: Lookups = { searchMs: 1000, refreshMs: 30_000 };

/** Part of a service config: round robin over all addresses of a target, which are looked up again and again. */
export function roundRobinOver(lookups = usualLookups): Record<string, Lookups> {
  return { [policy]: lookups };
}

class Config implements experimental.TypedLoadBalancingConfig {
  readonly lookups: Lookups;

  constructor(lookups: Lookups) {
    this.lookups = lookups;
  }

  static createFromJson(lookups: Lookups): Config {
    return new Config(lookups);
  }

  getLoadBalancerName(): string {
    return policy;
  }

  toJsonObject(): object {
    return { [policy]: this.lookups };
  }
}

/**
 * The round robin of grpc-js asks for addresses when a connection ends or cannot be made. An address that has vanished
 * does neither: the attempt gets no answer for as long as the kernel tries, two minutes as a rule
 * (https://github.com/grpc/grpc-node/issues/2785), and calls wait for it while DNS has long known the new replica.
 */
export class LookedUpRoundRobin implements experimental.LoadBalancer {
  readonly #helper: experimental.ChannelControlHelper;
  readonly #child: experimental.ChildLoadBalancerHandler;
  #lookups = usualLookups;
  #waitMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(helper: experimental.ChannelControlHelper) {
    this.#helper = helper;
    const updateState: experimental.ChannelControlHelper['updateState'] = (state, picker, problem) => {
      this.#lookUpEvery(waitIn(state, this.#lookups));
      helper.updateState(state, picker, problem);
    };
    this.#child = new experimental.ChildLoadBalancerHandler(
      experimental.createChildChannelControlHelper(helper, { updateState }),
    );
  }

  updateAddressList(...[endpoints, config, options, note]: AddressUpdate): boolean {
    if (!(config instanceof Config)) return false;
    this.#lookups = config.lookups;
    return this.#child.updateAddressList(endpoints, roundRobin, options, note);
  }

  exitIdle(): void {
    this.#child.exitIdle();
  }

  resetBackoff(): void {
    this.#child.resetBackoff();
  }

  destroy(): void {
    this.#lookUpEvery(undefined);
    this.#child.destroy();
  }

  getTypeName(): string {
    return policy;
  }

  #lookUpEvery(waitMs: number | undefined): void {
    if (waitMs === this.#waitMs) return;
    this.#waitMs = waitMs;
    clearInterval(this.#timer);
    if (waitMs === undefined) return;
    this.#timer = setInterval(() => this.#helper.requestReresolution(), waitMs).unref();
  }
}

function waitIn(state: connectivityState, { searchMs, refreshMs }: Lookups): number | undefined {
  switch (state) {
    case connectivityState.READY:
      return refreshMs;
    case connectivityState.CONNECTING:
    case connectivityState.TRANSIENT_FAILURE:
      return searchMs;
    default:
      return undefined;
  }
}

experimental.registerLoadBalancerType(policy, LookedUpRoundRobin, Config);
