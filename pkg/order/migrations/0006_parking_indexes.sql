-- no transaction
-- Replicas of an older version claim and list with the index `unfinished_orders`. It stays; a later version drops it.
-- Only unfinished orders have a driver. No other index fits a search by driver alone, so a wrong estimate of the
-- planner cannot select another index.
drop index concurrently if exists driven_orders;
create index concurrently driven_orders on orders (driver, id) where driver is not null;
drop index concurrently if exists claimable_orders;
create index concurrently claimable_orders on orders (next_attempt_at)
  where driver is null and blocked_since is null and state in ('PENDING', 'CANCELLING');
drop index concurrently if exists blocked_orders;
create index concurrently blocked_orders on orders (id desc) where blocked_since is not null;
