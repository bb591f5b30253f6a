#!/bin/sh
# Asks, waits, verifies and deploys in one process, on any machine: the deploy starts only after an approved verdict, and its
# exit code is passed on. DEPLOY_WARRANT_API_URL and DEPLOY_WARRANT_API_KEY come from the environment, the policy from a file
# outside the checkout, DEPLOY_WARRANT_POLICY.
set -eu

# A run is what its owner says it is; Buildkite and Jenkins number theirs.
: "${DEPLOY_WARRANT_RUN_ID:=${BUILDKITE_BUILD_NUMBER:-${BUILD_NUMBER:-$(date +%s)}}}"
export DEPLOY_WARRANT_RUN_ID
# They check out a commit, not a branch.
branch=${BUILDKITE_BRANCH:-${BRANCH_NAME:-}}
if [ -n "$branch" ]; then export DEPLOY_WARRANT_REF="refs/heads/$branch"; fi

exec deploy-warrant run \
  --service api \
  --environment production \
  --migration none \
  --rollback-version v1.41.2 \
  --policy "$DEPLOY_WARRANT_POLICY" \
  -- ./deploy.sh api
