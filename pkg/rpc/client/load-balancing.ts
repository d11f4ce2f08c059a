import { connectivityState, experimental } from '@grpc/grpc-js';
import { defaultOutlierLimits, OutlierDetection, type OutlierLimits } from './outlier-detection.js';
import { OutlierPicker } from './outlier-picker.js';

type AddressUpdate = Parameters<experimental.LoadBalancer['updateAddressList']>;
type Endpoints = AddressUpdate[0];

/** Intervals between name resolutions of a target. */
export interface ResolutionIntervals {
  /** Interval while no address is connected. */
  readonly disconnectedMs: number;
  /** Interval while at least one address is connected. */
  readonly connectedMs: number;
}

export interface RoundRobinOptions extends ResolutionIntervals {
  /** Limits of the outlier detection; undefined means no outlier detection. */
  readonly outliers?: OutlierLimits | undefined;
}

/** Channel option whose value is called with each address that outlier detection ejects. */
export const ejectionListenerOption = 'order-processing.ejection_listener';

const policy = 'resolving_round_robin';
const roundRobin = experimental.parseLoadBalancingConfig({ round_robin: {} });
/**
 * In a cluster, a DNS record is usually up to 30 s old. Clients with a connection resolve the name every 30 s, so they
 * find a new replica within a minute.
 */
export const defaultIntervals: ResolutionIntervals = { disconnectedMs: 1000, connectedMs: 30_000 };

/** Service config entry for round robin over the working addresses of a target, with periodic name resolution. */
export function roundRobinConfig(
  options: RoundRobinOptions = { ...defaultIntervals, outliers: defaultOutlierLimits },
): Record<string, RoundRobinOptions> {
  return { [policy]: options };
}

class Config implements experimental.TypedLoadBalancingConfig {
  readonly options: RoundRobinOptions;

  constructor(options: RoundRobinOptions) {
    this.options = options;
  }

  static createFromJson(options: RoundRobinOptions): Config {
    return new Config(options);
  }

  getLoadBalancerName(): string {
    return policy;
  }

  toJsonObject(): object {
    return { [policy]: this.options };
  }
}

/**
 * Adds two properties to the round robin policy of grpc-js.
 *
 * Periodic name resolution: grpc-js resolves the target only after a connection ends or fails. A connection attempt to
 * an unreachable address fails only after the timeout of the kernel, typically two minutes
 * (https://github.com/grpc/grpc-node/issues/2785). Until then, calls would wait although DNS already has the address of
 * a new replica.
 *
 * Outlier detection: calls to an address that does not answer, such as a frozen process, would time out until the kernel
 * closes the connection. The outlier detection of grpc-js counts every status except OK as a failure, so that business
 * rejections such as NOT_FOUND would eject an address.
 */
export class ResolvingRoundRobin implements experimental.LoadBalancer {
  readonly #helper: experimental.ChannelControlHelper;
  readonly #child: experimental.ChildLoadBalancerHandler;
  #options: RoundRobinOptions = defaultIntervals;
  #intervalMs: number | undefined;
  #resolutionTimer: NodeJS.Timeout | undefined;
  #outliers: OutlierDetection | undefined;
  #returnTimer: NodeJS.Timeout | undefined;
  /** Latest addresses from the name resolution, including ejected addresses. */
  #latest: AddressUpdate | undefined;

  constructor(helper: experimental.ChannelControlHelper) {
    this.#helper = helper;
    const updateState: experimental.ChannelControlHelper['updateState'] = (state, picker, problem) => {
      this.#resolveEvery(intervalIn(state, this.#options));
      helper.updateState(state, this.#observed(state, picker), problem);
      // Without any other connection, an ejected address may be the only one that works.
      if (state === connectivityState.TRANSIENT_FAILURE && this.#outliers?.readmitAll() === true)
        setImmediate(() => this.#applyAddresses());
    };
    this.#child = new experimental.ChildLoadBalancerHandler(
      experimental.createChildChannelControlHelper(helper, { updateState }),
    );
  }

  updateAddressList(...update: AddressUpdate): boolean {
    const [endpoints, config] = update;
    if (!(config instanceof Config)) return false;
    this.#options = config.options;
    if (config.options.outliers) this.#outliers ??= new OutlierDetection(config.options.outliers, Date.now);
    if (endpoints.ok) this.#outliers?.setAddresses(endpoints.value.flatMap(addressesOf));
    this.#latest = update;
    return this.#applyAddresses();
  }

  exitIdle(): void {
    this.#child.exitIdle();
  }

  resetBackoff(): void {
    this.#child.resetBackoff();
  }

  destroy(): void {
    this.#latest = undefined;
    this.#resolveEvery(undefined);
    clearTimeout(this.#returnTimer);
    this.#child.destroy();
  }

  getTypeName(): string {
    return policy;
  }

  /** Passes the addresses without the ejected addresses to the round robin policy. */
  #applyAddresses(): boolean {
    if (!this.#latest) return false;
    const [endpoints, , options, note] = this.#latest;
    clearTimeout(this.#returnTimer);
    const returnMs = this.#outliers?.nextReturnMs();
    if (returnMs !== undefined)
      this.#returnTimer = setTimeout(() => this.#applyAddresses(), returnMs + 1).unref();
    return this.#child.updateAddressList(this.#withoutOutliers(endpoints), roundRobin, options, note);
  }

  #withoutOutliers(endpoints: Endpoints): Endpoints {
    const outliers = this.#outliers;
    if (!outliers || !endpoints.ok) return endpoints;
    const kept = endpoints.value.filter(
      (endpoint) => !addressesOf(endpoint).some((address) => outliers.isEjected(address)),
    );
    return kept.length > 0 ? experimental.statusOrFromValue(kept) : endpoints;
  }

  #observed(state: connectivityState, picker: experimental.Picker): experimental.Picker {
    if (!this.#outliers || state !== connectivityState.READY) return picker;
    return new OutlierPicker(picker, this.#outliers, (address) => {
      this.#applyAddresses();
      (this.#latest?.[2][ejectionListenerOption] as ((ejected: string) => void) | undefined)?.(address);
    });
  }

  #resolveEvery(intervalMs: number | undefined): void {
    if (intervalMs === this.#intervalMs) return;
    this.#intervalMs = intervalMs;
    clearInterval(this.#resolutionTimer);
    if (intervalMs === undefined) return;
    this.#resolutionTimer = setInterval(() => this.#helper.requestReresolution(), intervalMs).unref();
  }
}

function addressesOf({ addresses }: experimental.Endpoint): string[] {
  return addresses.map((address) => experimental.subchannelAddressToString(address));
}

function intervalIn(
  state: connectivityState,
  { connectedMs, disconnectedMs }: ResolutionIntervals,
): number | undefined {
  switch (state) {
    case connectivityState.READY:
      return connectedMs;
    case connectivityState.CONNECTING:
    case connectivityState.TRANSIENT_FAILURE:
      return disconnectedMs;
    default:
      return undefined;
  }
}

experimental.registerLoadBalancerType(policy, ResolvingRoundRobin, Config);
