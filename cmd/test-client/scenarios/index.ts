import { confirmed } from './01-confirmed.js';
import { outOfStock } from './02-out-of-stock.js';
import { declined } from './03-declined.js';
import { repeated } from './04-repeated.js';
import { responseLost } from './05-response-lost.js';
import { cancelled } from './06-cancelled.js';
import { watched } from './07-watched.js';
import { lastUnits } from './08-last-units.js';
import { killed } from './09-killed.js';
import type { Scenario } from './scenario.js';

export const scenarios: readonly Scenario[] = [
  confirmed,
  outOfStock,
  declined,
  repeated,
  responseLost,
  cancelled,
  watched,
  lastUnits,
  killed,
];
