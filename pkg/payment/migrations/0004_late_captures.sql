-- The gateway may capture a payment after it declined a capture, for example for another replica. Replicas of an earlier
-- version leave the columns of the declined capture set.
alter table payments
  drop constraint payments_capture_decline_fits_state,
  add constraint payments_capture_decline_fits_state check (
    (capture_decline_code is null) = (capture_decline_advice is null)
    and (capture_decline_code is null or authorized_minor > 0)
  ) not valid;
