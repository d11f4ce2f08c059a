import { expect } from 'chai';
import { orderMigrations } from '../../pkg/order/migrations.js';
import { anOrderRequest } from '../../pkg/order/testing/builders.js';
import { FakePorts } from '../../pkg/order/testing/fake-ports.js';
import { createTestDatabase, type TestDatabase } from '../../pkg/postgres/testing/test-database.js';
import { patience, startReplica, type Replica } from './order-replica.js';

describe('the saga of an order', () => {
  let database: TestDatabase;
  let ports: FakePorts;
  let replica: Replica;

  before(async () => {
    database = await createTestDatabase(orderMigrations);
  });
  beforeEach(async () => {
    ports = new FakePorts();
    replica = await startReplica(database.url, ports);
  });
  afterEach(() => replica.close());
  after(() => database.drop());

  it('reserves, authorizes, commits, captures and confirms, with every step in the timeline', async () => {
    const order = await replica.orders.createOrder(anOrderRequest(), patience());

    expect(order.state).to.equal('CONFIRMED');
    expect(ports.stepsOf(order.id)).to.deep.equal([
      'RESERVE_STOCK',
      'AUTHORIZE_PAYMENT',
      'COMMIT_STOCK',
      'CAPTURE_PAYMENT',
    ]);
    const timeline = await replica.orders.getTimeline(order.id, 'ada');
    expect(timeline.map(({ revision }) => revision)).to.deep.equal([1, 2, 3, 4, 5, 6]);
    expect(timeline.map(({ to }) => to)).to.deep.equal([...Array<string>(5).fill('PENDING'), 'CONFIRMED']);
    expect(await replica.orders.getOrder(order.id, 'ada')).to.deep.equal(order);
  });
});
