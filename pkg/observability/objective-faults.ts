/** Final statuses of calls that count against the objectives: faults of ours, not answers (docs/monitoring.md). */
export const objectiveFaults = [
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'RESOURCE_EXHAUSTED',
] as const;
