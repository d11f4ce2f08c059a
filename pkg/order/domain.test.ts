import { expect } from 'chai';
import { isResting, orderStates, transitions, type OrderState } from './domain.js';

/** States that can be reached from `state` in any number of steps. */
function reachableFrom(state: OrderState, seen = new Set<OrderState>()): Set<OrderState> {
  for (const next of transitions[state]) {
    if (seen.has(next)) continue;
    seen.add(next);
    reachableFrom(next, seen);
  }
  return seen;
}

describe('the life of an order', () => {
  const legal: Readonly<Record<OrderState, readonly OrderState[]>> = {
    PENDING: ['PENDING', 'CONFIRMED', 'REJECTED', 'CANCELLING'],
    CONFIRMED: ['CANCELLING'],
    REJECTED: [],
    CANCELLING: ['CANCELLING', 'CANCELLED'],
    CANCELLED: [],
  };
  for (const from of orderStates)
    for (const to of orderStates) {
      const isLegal = legal[from].includes(to);
      it(`${isLegal ? 'may' : 'may not'} lead from ${from} to ${to}`, () => {
        expect(transitions[from].includes(to)).to.equal(isLegal);
      });
    }

  it('leads from every state that does not rest to one that does', () => {
    for (const state of orderStates.filter((one) => !isResting(one)))
      expect([...reachableFrom(state)].some(isResting), state).to.equal(true);
  });

  it('never comes back to PENDING, nor out of REJECTED and CANCELLED', () => {
    for (const state of orderStates.filter((one) => one !== 'PENDING'))
      expect(transitions[state], state).not.to.include('PENDING');
    for (const state of ['REJECTED', 'CANCELLED'] as const)
      expect([...reachableFrom(state)], state).to.deep.equal([]);
  });

  it('rests when nothing is left to do', () => {
    expect(orderStates.filter(isResting)).to.deep.equal(['CONFIRMED', 'REJECTED', 'CANCELLED']);
  });
});
