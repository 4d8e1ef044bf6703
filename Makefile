# make test runs every test, make demo shows the whole job; CONTRIBUTING.md has the rest.
# The tests that need a mesh; plain `cargo test` leaves them out. traffic comes first, on a mesh that is as its installer
# left it: it compares who owns each field, and the faults scale istiod.
on_mesh := --test differential --test fields
live := --test faults
# Those whose judge is traffic: they need NetworkPolicies that hold.
judged := --test mutation --test oracle

# Of the histories those that are green and end within minutes; make histories plays all.
green_histories := interleaved:: rights:: ritual:: stops_nobody random::

# On an old Istio (tests/mesh/versions.sh) those that show that it is served as the new one is.
old_traffic := http:: tls:: tcp:: cleanup::one flows::the_gateway_starts_tls uninterrupted:: inject::
# Not there: an EnvoyFilter that Envoy rejects. istiod 1.22 merges it into values that all proxies share, and gives it to each
# of them until it is restarted.
old_faults := healthy:: gateway::scaled_to_zero gateway::not_injected proxies::a_name client::injection
# Of these the short part plays: the flows by default and in mutual TLS, what leaves under lockdown, a gateway by the operator.
old_traffic_short := http:: tls:: tcp:: cleanup::one flows::the_gateway_starts_tls
old_operator_short := taken_back::the_operator_installs

.PHONY: build test test-long test-mesh test-old judge judge-long histories histories-long clinic fuzz bench demo check completions docs deny

build:
	cargo build --release

# What needs no cluster, then what a connection does on a real mesh: the one that EGRESS_TEST_KUBECONFIG names, or the
# mesh in a box.
test: check-scripts
	cargo test
	$(MAKE) --no-print-directory histories HISTORIES=$${HISTORIES:-40} TEST="$(or $(TEST),$(green_histories))"
	$(MAKE) --no-print-directory test-mesh

# Besides, so many random histories that rare ones are among them, and the long judges: hours.
test-long: test histories-long judge-long

histories-long:
	$(MAKE) --no-print-directory histories HISTORIES=2000 TEST=random::

# On an API server without a node: many histories of two teams, and what a tenant can do. HISTORIES says how many random ones,
# EGRESS_SEED=N plays that one again.
histories:
	EGRESS_HISTORIES=$${HISTORIES:-300} cargo test --test histories -- --test-threads=2 $(TEST)

# TEST=NAME runs those with NAME in their path. They mostly wait, so more of them run at once than there are cores.
test-mesh:
	tests/with-mesh cargo test --test traffic -- --test-threads=4 $(TEST)
	tests/with-mesh cargo test $(on_mesh) -- --test-threads=4 $(TEST)
	tests/with-mesh cargo test $(live) -- --test-threads=4 $(TEST)
	EGRESS_TEST_MESH=$${EGRESS_TEST_LOCKDOWN_MESH:-m3} tests/with-mesh cargo test --test lockdown -- --test-threads=1 $(TEST)

# Right configurations, one change or several, real requests, and what doctor says of them: about 60 changes and 40
# configurations, always the same. EGRESS_TEST_SEED draws others; EGRESS_TEST_KIND="half goes" takes the changes with that
# in their name, on every origin.
judge:
	EGRESS_TEST_MESH=$${EGRESS_TEST_JUDGE_MESH:-m5} EGRESS_TEST_MESH_OPTIONS="--policy enforce" tests/with-mesh \
		cargo test $(judged) --no-fail-fast -- --nocapture $(TEST)

judge-long:
	EGRESS_TEST_MUTATIONS=300 EGRESS_TEST_FIELDS=300 EGRESS_TEST_CONFIGURATIONS=500 $(MAKE) --no-print-directory judge

# The same on an old Istio, and its operator: a mesh of its own, since another cluster has the Istio that it has.
# test-old-short is a part of four minutes; both stand beside make test until they were seen green as one run.
test-old test-old-short: export EGRESS_TEST_MESH := $(or $(EGRESS_TEST_OLD_MESH),m7)
test-old test-old-short: export EGRESS_TEST_MESH_OPTIONS := --istio 1.22 --operator
test-old:
	tests/with-mesh $(MAKE) --no-print-directory test-old-up

# A cluster that is named has the Istio that it has: this is for the mesh in a box.
test-old-short:
	@if [ -n "$$EGRESS_TEST_KUBECONFIG" ]; then echo "not on the cluster of EGRESS_TEST_KUBECONFIG: the tests on Istio 1.22"; \
	else tests/with-mesh $(MAKE) --no-print-directory test-old-short-up; fi

.PHONY: test-old-short test-old-short-up
test-old-short-up:
	cargo test --test traffic -- --test-threads=4 $(or $(TEST),$(old_traffic_short))
	cargo test --test lockdown -- --test-threads=1 $(or $(TEST),seed::)
	cargo test --test operator -- --test-threads=1 $(or $(TEST),$(old_operator_short))

.PHONY: test-old-up
test-old-up:
	cargo test --test traffic -- --test-threads=4 $(or $(TEST),$(old_traffic))
	cargo test --test faults -- --test-threads=4 $(or $(TEST),$(old_faults))
	cargo test --test differential -- $(TEST)
	cargo test --test lockdown -- --test-threads=1 $(or $(TEST),seed::)
	cargo test --test operator -- --test-threads=1 $(TEST)

# Failures from public reports made for real, one after the other, and what doctor says of each. TEST=c05 runs that one.
clinic:
	EGRESS_TEST_MESH_OPTIONS="--policy enforce" tests/with-mesh cargo test --test clinic -- --test-threads=1 $(TEST)

# Strange bytes and objects for the readers, the model and the checks: SECONDS_EACH for a target, 10 minutes where nothing is said.
fuzz:
	tests/fuzz/run $(TARGETS)

# What it costs beside its yardsticks, whole processes, medians of RUNS. Not a part of the tests: it wants a quiet machine.
bench: build
	tests/bench/bench.py --binary target/release/kubectl-egress --runs $${RUNS:-5} --json target/bench.json

demo:
	tests/demo

# What a change must pass before it is merged, besides the tests.
check: check-scripts
	cargo fmt --check
	cargo clippy --all-targets --test traffic $(on_mesh) $(live) $(judged) --test clinic --test lockdown --test operator --test histories -- -D warnings

.PHONY: check-scripts
check-scripts:
	tests/prepare
	shellcheck .ci/run .ci/release-build tests/prepare tests/demo tests/with-mesh tests/fuzz/run
	cd tests/mesh && shellcheck -x mesh *.sh

# completions/ as the command line is now; a test tells when they are not.
completions:
	EGRESS_WRITE_COMPLETIONS=1 cargo test --test offline completions

# Needs cargo-deny: licences, banned crates, sources.
deny:
	cargo deny check bans licenses sources

# docs/checks.md as the checks are now; a test tells when it is not.
docs:
	EGRESS_WRITE_DOCS=1 cargo test --test offline docs
