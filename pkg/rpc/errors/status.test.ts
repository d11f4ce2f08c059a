import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { isReason, reasons, type Reason } from '../../errors/index.js';
import { reasonOf, statusOf } from './status.js';

const codes = Object.values(Status).filter((code) => typeof code === 'number');

describe('statusOf', () => {
  for (const reason of reasons)
    it(`maps ${reason} to a status code other than OK and UNKNOWN`, () => {
      expect(codes).to.include(statusOf[reason]);
      expect(statusOf[reason]).not.to.be.oneOf([Status.OK, Status.UNKNOWN]);
    });

  it('has exactly one entry for each reason', () => {
    expect(Object.keys(statusOf).toSorted()).to.deep.equal([...reasons].toSorted());
  });

  const documented: [Reason, Status][] = [
    ['VALIDATION_FAILED', Status.INVALID_ARGUMENT],
    ['INVALID_PAGE_TOKEN', Status.INVALID_ARGUMENT],
    ['ORDER_NOT_FOUND', Status.NOT_FOUND],
    ['OUT_OF_STOCK', Status.FAILED_PRECONDITION],
    ['ILLEGAL_TRANSITION', Status.FAILED_PRECONDITION],
    ['RESERVATION_RELEASED', Status.FAILED_PRECONDITION],
    ['REQUEST_ID_REUSED', Status.ALREADY_EXISTS],
    ['CONFLICT', Status.ABORTED],
    ['OVERLOADED', Status.RESOURCE_EXHAUSTED],
    ['MESSAGE_TOO_LARGE', Status.RESOURCE_EXHAUSTED],
    ['METADATA_TOO_LARGE', Status.RESOURCE_EXHAUSTED],
    ['DEPENDENCY_UNAVAILABLE', Status.UNAVAILABLE],
    ['DEADLINE_TOO_SHORT', Status.DEADLINE_EXCEEDED],
    ['INTERNAL', Status.INTERNAL],
  ];
  for (const [reason, code] of documented)
    it(`maps ${reason} to ${Status[code]}`, () => {
      expect(statusOf[reason]).to.equal(code);
    });
});

describe('reasonOf', () => {
  it('returns a reason for every status code', () => {
    for (const code of codes) expect(isReason(reasonOf(code))).to.equal(true);
  });

  it('returns DEPENDENCY_UNAVAILABLE for status codes that leave the outcome unknown', () => {
    for (const code of [Status.UNAVAILABLE, Status.UNKNOWN, Status.INTERNAL])
      expect(reasonOf(code)).to.equal('DEPENDENCY_UNAVAILABLE');
  });
});
