import { expect } from 'chai';
import { isTerminal, orderStates, transitions, type OrderState } from './domain.js';

/** States reachable from `state` by any number of transitions. */
function reachableFrom(state: OrderState, seen = new Set<OrderState>()): Set<OrderState> {
  for (const next of transitions[state]) {
    if (seen.has(next)) continue;
    seen.add(next);
    reachableFrom(next, seen);
  }
  return seen;
}

describe('the states of an order', () => {
  const legal: Readonly<Record<OrderState, readonly OrderState[]>> = {
    PENDING: ['PENDING', 'CONFIRMED', 'REJECTED', 'CANCELLING'],
    CONFIRMED: ['CONFIRMED', 'CANCELLING'],
    REJECTED: [],
    CANCELLING: ['CANCELLING', 'CANCELLED'],
    CANCELLED: ['CANCELLED'],
  };
  for (const from of orderStates)
    for (const to of orderStates) {
      const isLegal = legal[from].includes(to);
      it(`${isLegal ? 'have a' : 'have no'} transition from ${from} to ${to}`, () => {
        expect(transitions[from].includes(to)).to.equal(isLegal);
      });
    }

  it('lead from every unfinished state to a terminal state', () => {
    for (const state of orderStates.filter((candidate) => !isTerminal(candidate)))
      expect([...reachableFrom(state)].some(isTerminal), state).to.equal(true);
  });

  it('never return to PENDING, and never leave REJECTED or CANCELLED', () => {
    for (const state of orderStates.filter((candidate) => candidate !== 'PENDING'))
      expect(transitions[state], state).not.to.include('PENDING');
    for (const state of ['REJECTED', 'CANCELLED'] as const)
      expect(
        [...reachableFrom(state)].filter((next) => next !== state),
        state,
      ).to.deep.equal([]);
  });

  it('include three terminal states: CONFIRMED, REJECTED and CANCELLED', () => {
    expect(orderStates.filter(isTerminal)).to.deep.equal(['CONFIRMED', 'REJECTED', 'CANCELLED']);
  });
});
