import { status, type experimental, type Metadata } from '@grpc/grpc-js';
import type { Evidence, OutlierDetection } from './outlier-detection.js';

/** Maximum number of picks of the round robin policy in the search for an address that is not silent. */
const maxPicks = 16;

/** Skips silent addresses, and reports the start and the end of each call to the outlier detection. */
export class OutlierPicker implements experimental.Picker {
  readonly #picker: experimental.Picker;
  readonly #outliers: OutlierDetection;
  readonly #onEjected: (address: string) => void;

  constructor(picker: experimental.Picker, outliers: OutlierDetection, onEjected: (address: string) => void) {
    this.#picker = picker;
    this.#outliers = outliers;
    this.#onEjected = onEjected;
  }

  pick(args: experimental.PickArgs): experimental.PickResult {
    const first = this.#picker.pick(args);
    let picked = first;
    for (let picks = 1; picks < maxPicks && this.#isSilent(picked); picks += 1)
      picked = this.#picker.pick(args);
    // When every address is silent, the silence shows nothing about a single address.
    return this.#observed(this.#isSilent(picked) ? first : picked);
  }

  #isSilent({ subchannel }: experimental.PickResult): boolean {
    return subchannel !== null && this.#outliers.isSilent(subchannel.getAddress());
  }

  #observed(picked: experimental.PickResult): experimental.PickResult {
    const { subchannel } = picked;
    if (subchannel === null) return picked;
    const address = subchannel.getAddress();
    return {
      ...picked,
      onCallStarted: () => {
        this.#outliers.callStarted(address);
        picked.onCallStarted?.();
      },
      onCallEnded: (code, details, metadata) => {
        picked.onCallEnded?.(code, details, metadata);
        if (this.#outliers.callEnded(address, evidenceOf(code, metadata))) this.#onEjected(address);
      },
    };
  }
}

/**
 * This client itself creates the status of a timeout or a cancellation, without metadata, so such a status is no
 * answer. Lost connections are no evidence, because the round robin policy already leaves out an address without a
 * connection.
 */
function evidenceOf(code: status, metadata: Metadata): Evidence {
  if (code === status.OK || Object.keys(metadata.getMap()).length > 0) return 'answered';
  if (code === status.DEADLINE_EXCEEDED) return 'unanswered';
  return code === status.CANCELLED || code === status.UNAVAILABLE ? 'none' : 'answered';
}
