import {
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type Threshold,
} from '@grafana/grafana-foundation-sdk/dashboard';

/** Colours of values. */
export type Limits = ThresholdsConfigBuilder;

/** Good below `worrying`, bad from `bad`; nothing between them when there is one number. */
export function below(worrying: number, bad = worrying): Limits {
  return limits([
    { value: null, color: 'green' },
    ...(worrying === bad ? [] : [{ value: worrying, color: 'orange' }]),
    { value: bad, color: 'red' },
  ]);
}

/** Bad below `worrying`, good from `good`; nothing between them when there is one number. */
export function above(worrying: number, good = worrying): Limits {
  return limits([
    { value: null, color: 'red' },
    ...(worrying === good ? [] : [{ value: worrying, color: 'orange' }]),
    { value: good, color: 'green' },
  ]);
}

/** For what is neither good nor bad. */
export function unlimited(): Limits {
  return limits([{ value: null, color: 'blue' }]);
}

function limits(steps: Threshold[]): Limits {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}
