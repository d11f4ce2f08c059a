#!/bin/sh
# Stands for kubectl and a cluster. Writes each call to $CLUSTER/calls. Its answers are files in $CLUSTER/<phase>:
# the phase is `before`, becomes `after` when Deployments are applied, and `restored` when they are applied again.
# A file $CLUSTER/fails-<phase>-<verb> makes that verb fail, with the file's text on the standard error stream;
# fails-once-<phase>-<verb> does so once.
phase=$(cat "$CLUSTER/phase")
printf '%s %s\n' "$phase" "$*" >>"$CLUSTER/calls"

answer() {
  cat "$CLUSTER/$phase/$1" 2>/dev/null || cat "$CLUSTER/$1"
}

if [ -f "$CLUSTER/fails-$phase-$1" ]; then
  cat "$CLUSTER/fails-$phase-$1" >&2
  exit 1
fi

if [ -f "$CLUSTER/fails-once-$phase-$1" ]; then
  cat "$CLUSTER/fails-once-$phase-$1" >&2
  rm "$CLUSTER/fails-once-$phase-$1"
  exit 1
fi

case "$*" in
*--raw*) echo ok ;;
config*) echo laptop ;;
apply*)
  cat >"$CLUSTER/applied"
  cat "$CLUSTER/applied" >>"$CLUSTER/all-applied"
  case "$(cat "$CLUSTER/applied")" in
  *'kind: Deployment'*) echo after >"$CLUSTER/phase" ;;
  *'"kind":"Deployment"'*)
    cat "$CLUSTER/applied" >>"$CLUSTER/restored-objects"
    echo >>"$CLUSTER/restored-objects"
    echo restored >"$CLUSTER/phase"
    ;;
  esac
  ;;
*'-l app.kubernetes.io/component=service'*)
  answer pods.json
  # What the next look shows.
  [ ! -f "$CLUSTER/$phase/pods-next.json" ] || mv "$CLUSTER/$phase/pods-next.json" "$CLUSTER/$phase/pods.json"
  ;;
'get replicasets,pods '*) answer rollout-pods.json ;;
'get pods '*) answer job-pods.json ;;
'get deployments '*) answer deployments.json ;;
'get replicasets '*) answer replicasets.json ;;
'get Deployment '*) answer "deployment-$3.json" ;;
'get job '*) answer "job-$3.json" ;;
'get Namespace '*) ;;
'get configmap order-processing-deployment '*) answer overlay.json ;;
'get secret '*) echo '{"data":{}}' ;;
*'status=~'*) answer failed.json ;;
*promtool*) answer calls.json ;;
*' logs '*' --previous '*) answer previous-log ;;
*' logs '*) answer log ;;
'rollout status '* | delete* | logs*) ;;
*)
  echo "fake kubectl does not know: $*" >&2
  exit 64
  ;;
esac
