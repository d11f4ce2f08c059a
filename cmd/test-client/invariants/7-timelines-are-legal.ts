import { OrderState, type TimelineEntry } from '../../../pkg/pb/order/v1/order.js';
import { isLegalEdge } from '../legal.js';
import type { OrderFacts } from './facts.js';
import { violated, type Invariant } from './invariant.js';

export const timelinesAreLegal: Invariant = {
  number: 7,
  title: 'Timelines have no gap and follow legal edges only',
  check({ orders, examined }) {
    return {
      figures: {
        orders: orders.length,
        examined: examined.length,
        entries: examined.reduce((count, { timeline }) => count + timeline.length, 0),
      },
      violations: examined.flatMap(broken),
    };
  },
};

function broken({ order, timeline }: OrderFacts): string[] {
  const subject = `order ${order.orderId}`;
  const last = timeline.at(-1);
  return [
    ...violated(subject, {
      'its timeline is empty': timeline.length === 0,
      [`it is at revision ${order.revision}, its timeline at ${last?.revision}`]:
        last?.revision !== order.revision,
      [`it is ${OrderState[order.state]}, its timeline ends elsewhere`]: last?.toState !== order.state,
    }),
    ...timeline.flatMap((entry, index) => brokenEntry(subject, entry, timeline[index - 1])),
  ];
}

function brokenEntry(subject: string, entry: TimelineEntry, before: TimelineEntry | undefined): string[] {
  const { revision, fromState, toState } = entry;
  const expectedRevision = (before?.revision ?? 0) + 1;
  const expectedFrom = before?.toState ?? OrderState.UNSPECIFIED;
  const isStep = fromState === toState && before !== undefined;
  return violated(`${subject}, revision ${revision}`, {
    [`${expectedRevision} was due`]: revision !== expectedRevision,
    [`leaves ${OrderState[fromState]}, but the order was ${OrderState[expectedFrom]}`]:
      fromState !== expectedFrom,
    [`${OrderState[fromState]} → ${OrderState[toState]} is no legal edge`]:
      !isStep && !isLegalEdge(fromState, toState),
    'happened before the one before it': (entry.time?.getTime() ?? 0) < (before?.time?.getTime() ?? 0),
  });
}
