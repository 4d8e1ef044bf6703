# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_kubectl_egress_global_optspecs
    string join \n kubeconfig= context= cluster= user= n/namespace= as= as-group= as-uid= s/server= token= certificate-authority= tls-server-name= insecure-skip-tls-verify client-certificate= client-key= cache-dir= request-timeout= istio-namespace= revision= v/verbose q/quiet h/help V/version
end

function __fish_kubectl_egress_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_kubectl_egress_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_kubectl_egress_using_subcommand
    set -l cmd (__fish_kubectl_egress_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l context -d 'Kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l cluster -d 'Kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l user -d 'Kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -s n -l namespace -d 'Namespace to work in' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l as -d 'User to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -s s -l server -d 'The address of the API server, in place of the kubeconfig\'s' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l certificate-authority -d 'Certificate authority of the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l tls-server-name -d 'The name that the API server\'s certificate must have' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l client-certificate -d 'Client certificate for the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l cache-dir -d 'Accepted as kubectl does; this program keeps no cache' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l request-timeout -d 'How long a single request may take (0 means the default of 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l istio-namespace -d 'Namespace of istiod (default: search all namespaces)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l revision -d 'Revision of the control plane, if there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -s v -l verbose -d 'Print more: -v logs each request, -vv also causes of errors and library logs'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -s q -l quiet -d 'Print only the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -s h -l help -d 'Print help'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -s V -l version -d 'Print version'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "setup" -d 'Route hosts through an egress gateway, install one if there is none, and prove it'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "doctor" -d 'Check whether egress works and, if not, explain why'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "explain" -d 'Explain a check, the objects of a flow, or the rights that a verb needs'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "cleanup" -d 'Remove what setup made, restore what it changed, and prove that nothing is left'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "status" -d 'Show routed hosts, their paths, traffic counts, and pods that can bypass the gateway'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "lockdown" -d 'Restrict namespaces\' egress to the gateway, and check that it is enforced'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "unlock" -d 'Remove the lockdown policy'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "version" -d 'Show the versions of this program, of the cluster and of Istio'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "completion" -d 'Print or install completion scripts and man pages'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -s f -l filename -d 'File with hosts, ports and clients (- is standard input)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l from -d 'Client: NS[/KIND/NAME] (default: the current namespace; repeated runs add clients)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l gateway -d 'Gateway, by its Service: NS/SERVICE (default: the only one, or a new one)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l installer -d 'How to install a gateway if none exists' -r -f -a "auto\t'Use the gateway that is there; where there is none, install one by injection'
injection\t'A Deployment whose pods istiod\'s webhook turns into gateways'
istiooperator\t'A live `IstioOperator` object that an operator in the cluster reconciles (Istio 1.23 and older)'
istioctl\t'The `IstioOperator` file that Istio is installed from (--istio-operator FILE), by istioctl install'
none\t'Install nothing: use the gateway that is there'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l istio-operator -d 'IstioOperator file with the gateway in spec.components.egressGateways; with --installer istioctl, the file that Istio is installed from: the gateway is added to it' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l replicas -d 'Number of gateway pods' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l node-selector -d 'Schedule gateway pods only on nodes with this label: KEY=VALUE (repeatable)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l toleration -d 'Taint that gateway pods tolerate: KEY[=VALUE][:EFFECT] (repeatable)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l client-cert -d 'Secret in the gateway\'s namespace with the client certificate for the host (with --originate-tls)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l hop -d 'TLS between sidecar and gateway' -r -f -a "auto\t'Mutual TLS where the gateway has a port for it'
plain\t'As the application sent it'
mtls\t'Mutual TLS of the mesh'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l address -d 'Addresses of a tcp host (default: what the client resolves now)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l allow -d 'Service account that may connect: NS/NAME (needs mutual TLS to the gateway)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -s s -l server -d 'One server that answers for a wildcard host, such as *.wikipedia.org (a URL here is kubectl\'s --server, the address of the API server)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l probe-path -d 'Path of the request that proves the route' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -s o -l output -d 'Output format' -r -f -a "text\t'Human-readable'
yaml\t'The objects, for kubectl apply -f -'
json\t'The objects as a List'
name\t'Only the names of the objects'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l dry-run -d 'Write nothing: print the objects (client), or let the server check them (server)' -r -f -a "none\t'Write'
client\t'Send nothing'
server\t'Let the server check and forget'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l wait -d 'Wait until the proxies have applied it (--wait=false: return after the last write)' -r -f -a "true\t''
false\t''"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l timeout -d 'How long the whole command may take; an open question does not count' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l context -d 'Kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l cluster -d 'Kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l user -d 'Kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -s n -l namespace -d 'Namespace to work in' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l as -d 'User to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l certificate-authority -d 'Certificate authority of the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l tls-server-name -d 'The name that the API server\'s certificate must have' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l client-certificate -d 'Client certificate for the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l cache-dir -d 'Accepted as kubectl does; this program keeps no cache' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l request-timeout -d 'How long a single request may take (0 means the default of 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l istio-namespace -d 'Namespace of istiod (default: search all namespaces)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l revision -d 'Revision of the control plane, if there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l prune -d 'With -f: remove hosts and clients that an earlier version of the file declared and this one does not'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l print-schema -d 'Print the JSON schema of the file that -f takes, for editors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l split -d 'Print the plan in two parts and write nothing: for the gateway\'s owners, then for the clients\''
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l inject -d 'Label a client namespace that has no sidecars, and restart its workloads'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l access-log -d 'Write an access log at the gateway, and only there'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l originate-tls -d 'The application speaks HTTP; the gateway originates TLS and verifies the host\'s name'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l no-probe -d 'Skip the requests that verify the host before and after'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l diff -d 'Show what would change; exit 0 if nothing would, 1 if something would'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -s y -l yes -d 'Do not ask for confirmation'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l force-conflicts -d 'Take over fields that another field manager owns'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -s v -l verbose -d 'Print more: -v logs each request, -vv also causes of errors and library logs'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -s q -l quiet -d 'Print only the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l host -d 'Host to check (default: every host that is routed through a gateway)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l port -d 'Port that the application connects to (default: every declared port of the host, else 443)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l protocol -d 'Protocol of the application: http, https, tls or tcp (default: what the port or its ServiceEntry says)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l from -d 'Client: NS[/KIND/NAME] (default: the current namespace)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l layers -d 'Layers to check: the objects, the configuration of the proxies, real connections (default: all three; no connections if there are more than 20 paths)' -r -f -a "intended\t'What the objects say'
programmed\t'What each proxy was given'
observed\t'What a connection does'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l only -d 'Run only these checks' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l skip -d 'Skip these checks (to skip them for one object, annotate it egress.kubectl.io/ignore: CODE,CODE)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -s f -l filename -d 'Check these manifests as if applied to the cluster (- is standard input; a directory: every manifest in it)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l bundle -d 'Save everything that was read to a file (no secrets)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l snapshot -d 'Check a file that --bundle wrote instead of a cluster' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l fail-on -d 'Lowest severity that makes the exit code 1' -r -f -a "error\t'Errors only'
warning\t'Warnings too'
never\t'Nothing'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -s o -l output -d 'Output format' -r -f -a "text\t'For people: the path drawn, what to change, why'
wide\t'The same, with what took each decision'
json\t'The whole report'
yaml\t'The same as YAML'
name\t'The objects to change, as kubectl takes them'
sarif\t'SARIF 2.1.0, for code scanning'
junit\t'JUnit XML, for CI'
html\t'One page with the paths drawn'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l timeout -d 'How long the whole command may take' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l context -d 'Kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l cluster -d 'Kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l user -d 'Kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -s n -l namespace -d 'Namespace to work in' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l as -d 'User to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -s s -l server -d 'The address of the API server, in place of the kubeconfig\'s' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l certificate-authority -d 'Certificate authority of the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l tls-server-name -d 'The name that the API server\'s certificate must have' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l client-certificate -d 'Client certificate for the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l cache-dir -d 'Accepted as kubectl does; this program keeps no cache' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l request-timeout -d 'How long a single request may take (0 means the default of 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l istio-namespace -d 'Namespace of istiod (default: search all namespaces)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l revision -d 'Revision of the control plane, if there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -s A -l all-namespaces -d 'Include clients from all namespaces'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l offline -d 'Check the manifests without a cluster, in a mesh with Istio\'s defaults'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l bypass -d 'Also try to bypass the gateway, from existing pods: past the sidecar, by address, by another port or UDP, as the proxy\'s user, without a sidecar'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l fix -d 'Apply fixes interactively: show each diff and ask'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -s y -l yes -d 'With --fix: do not ask for confirmation'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l watch -d 'Check again whenever something changes, until interrupted'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l wait -d 'Check again until there is no problem, at most for --timeout'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -s v -l verbose -d 'Print more: -v logs each request, -vv also causes of errors and library logs'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -s q -l quiet -d 'Print only the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l context -d 'Kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l cluster -d 'Kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l user -d 'Kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -s n -l namespace -d 'Namespace to work in' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l as -d 'User to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -s s -l server -d 'The address of the API server, in place of the kubeconfig\'s' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l certificate-authority -d 'Certificate authority of the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l tls-server-name -d 'The name that the API server\'s certificate must have' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l client-certificate -d 'Client certificate for the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l cache-dir -d 'Accepted as kubectl does; this program keeps no cache' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l request-timeout -d 'How long a single request may take (0 means the default of 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l istio-namespace -d 'Namespace of istiod (default: search all namespaces)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l revision -d 'Revision of the control plane, if there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -s v -l verbose -d 'Print more: -v logs each request, -vv also causes of errors and library logs'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -s q -l quiet -d 'Print only the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -s h -l help -d 'Print help'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l istio-operator -d 'The IstioOperator file to take a gateway of --installer istioctl out of' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l dry-run -d 'Write nothing: print the objects (client), or let the server check them (server)' -r -f -a "none\t'Write'
client\t'Send nothing'
server\t'Let the server check and forget'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l wait -d 'Wait until the proxies have applied it (--wait=false: return after the last write)' -r -f -a "true\t''
false\t''"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l timeout -d 'How long the whole command may take; an open question does not count' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l context -d 'Kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l cluster -d 'Kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l user -d 'Kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -s n -l namespace -d 'Namespace to work in' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l as -d 'User to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -s s -l server -d 'The address of the API server, in place of the kubeconfig\'s' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l certificate-authority -d 'Certificate authority of the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l tls-server-name -d 'The name that the API server\'s certificate must have' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l client-certificate -d 'Client certificate for the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l cache-dir -d 'Accepted as kubectl does; this program keeps no cache' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l request-timeout -d 'How long a single request may take (0 means the default of 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l istio-namespace -d 'Namespace of istiod (default: search all namespaces)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l revision -d 'Revision of the control plane, if there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l all -d 'Every host of this namespace (with -A: of the cluster)'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -s A -l all-namespaces -d 'Include clients from all namespaces'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l diff -d 'Show what would change; exit 0 if nothing would, 1 if something would'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -s y -l yes -d 'Do not ask for confirmation'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l force-conflicts -d 'Take over fields that another field manager owns'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -s v -l verbose -d 'Print more: -v logs each request, -vv also causes of errors and library logs'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -s q -l quiet -d 'Print only the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l interval -d 'Sample twice, this far apart, and show rates' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l timeout -d 'How long the whole command may take (with --watch: no limit)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -s o -l output -d 'Output format' -r -f -a "text\t'Human-readable'
wide\t'Human-readable, more columns'
json\t'Full output as JSON'
yaml\t'The same as YAML'
name\t'Only HOST:PORT'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l context -d 'Kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l cluster -d 'Kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l user -d 'Kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -s n -l namespace -d 'Namespace to work in' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l as -d 'User to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -s s -l server -d 'The address of the API server, in place of the kubeconfig\'s' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l certificate-authority -d 'Certificate authority of the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l tls-server-name -d 'The name that the API server\'s certificate must have' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l client-certificate -d 'Client certificate for the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l cache-dir -d 'Accepted as kubectl does; this program keeps no cache' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l request-timeout -d 'How long a single request may take (0 means the default of 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l istio-namespace -d 'Namespace of istiod (default: search all namespaces)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l revision -d 'Revision of the control plane, if there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -s A -l all-namespaces -d 'Include clients from all namespaces'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -s w -l watch -d 'Refresh until interrupted'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -s v -l verbose -d 'Print more: -v logs each request, -vv also causes of errors and library logs'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -s q -l quiet -d 'Print only the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l in-cluster -d 'What stays open within the cluster: all (every pod), none (only what the mesh needs), or the pods of NS,… (default: all, or what an earlier run set)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l gateway -d 'Gateways that stay open: NS/SERVICE (default: those that the namespace\'s hosts use)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l probe -d 'Host to test bypassing with: HOST[:PORT][=PROTOCOL] (default: a routed one)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -s o -l output -d 'Output format' -r -f -a "text\t'Human-readable'
yaml\t'The objects, for kubectl apply -f -'
json\t'The objects as a List'
name\t'Only the names of the objects'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l dry-run -d 'Write nothing: print the objects (client), or let the server check them (server)' -r -f -a "none\t'Write'
client\t'Send nothing'
server\t'Let the server check and forget'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l wait -d 'Wait until the proxies have applied it (--wait=false: return after the last write)' -r -f -a "true\t''
false\t''"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l timeout -d 'How long the whole command may take; an open question does not count' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l context -d 'Kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l cluster -d 'Kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l user -d 'Kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -s n -l namespace -d 'Namespace to work in' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l as -d 'User to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -s s -l server -d 'The address of the API server, in place of the kubeconfig\'s' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l certificate-authority -d 'Certificate authority of the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l tls-server-name -d 'The name that the API server\'s certificate must have' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l client-certificate -d 'Client certificate for the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l cache-dir -d 'Accepted as kubectl does; this program keeps no cache' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l request-timeout -d 'How long a single request may take (0 means the default of 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l istio-namespace -d 'Namespace of istiod (default: search all namespaces)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l revision -d 'Revision of the control plane, if there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l allow-apiserver -d 'Keep the API server open, for pods that talk to it'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l no-probe -d 'Skip the bypass tests'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l diff -d 'Show what would change; exit 0 if nothing would, 1 if something would'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -s y -l yes -d 'Do not ask for confirmation'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l force-conflicts -d 'Take over fields that another field manager owns'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -s v -l verbose -d 'Print more: -v logs each request, -vv also causes of errors and library logs'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -s q -l quiet -d 'Print only the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l dry-run -d 'Write nothing: print the objects (client), or let the server check them (server)' -r -f -a "none\t'Write'
client\t'Send nothing'
server\t'Let the server check and forget'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l wait -d 'Wait until the proxies have applied it (--wait=false: return after the last write)' -r -f -a "true\t''
false\t''"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l timeout -d 'How long the whole command may take; an open question does not count' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l context -d 'Kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l cluster -d 'Kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l user -d 'Kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -s n -l namespace -d 'Namespace to work in' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l as -d 'User to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -s s -l server -d 'The address of the API server, in place of the kubeconfig\'s' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l certificate-authority -d 'Certificate authority of the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l tls-server-name -d 'The name that the API server\'s certificate must have' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l client-certificate -d 'Client certificate for the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l cache-dir -d 'Accepted as kubectl does; this program keeps no cache' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l request-timeout -d 'How long a single request may take (0 means the default of 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l istio-namespace -d 'Namespace of istiod (default: search all namespaces)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l revision -d 'Revision of the control plane, if there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l diff -d 'Show what would change; exit 0 if nothing would, 1 if something would'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -s y -l yes -d 'Do not ask for confirmation'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l force-conflicts -d 'Take over fields that another field manager owns'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -s v -l verbose -d 'Print more: -v logs each request, -vv also causes of errors and library logs'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -s q -l quiet -d 'Print only the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l timeout -d 'How long the whole command may take' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -s o -l output -d 'Output format' -r -f -a "text\t'Human-readable'
json\t'One JSON object'
yaml\t'The same as YAML'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l context -d 'Kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l cluster -d 'Kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l user -d 'Kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -s n -l namespace -d 'Namespace to work in' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l as -d 'User to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -s s -l server -d 'The address of the API server, in place of the kubeconfig\'s' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l certificate-authority -d 'Certificate authority of the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l tls-server-name -d 'The name that the API server\'s certificate must have' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l client-certificate -d 'Client certificate for the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l cache-dir -d 'Accepted as kubectl does; this program keeps no cache' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l request-timeout -d 'How long a single request may take (0 means the default of 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l istio-namespace -d 'Namespace of istiod (default: search all namespaces)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l revision -d 'Revision of the control plane, if there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l client -d 'Show only the version of this program; no cluster is asked'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -s v -l verbose -d 'Print more: -v logs each request, -vv also causes of errors and library logs'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -s q -l quiet -d 'Print only the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l dir -d 'With --install: the directory (default: the usual one of the user)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l context -d 'Kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l cluster -d 'Kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l user -d 'Kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -s n -l namespace -d 'Namespace to work in' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l as -d 'User to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -s s -l server -d 'The address of the API server, in place of the kubeconfig\'s' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l certificate-authority -d 'Certificate authority of the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l tls-server-name -d 'The name that the API server\'s certificate must have' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l client-certificate -d 'Client certificate for the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l cache-dir -d 'Accepted as kubectl does; this program keeps no cache' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l request-timeout -d 'How long a single request may take (0 means the default of 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l istio-namespace -d 'Namespace of istiod (default: search all namespaces)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l revision -d 'Revision of the control plane, if there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l install -d 'Write it to where the shell, kubectl or man looks for it'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -s v -l verbose -d 'Print more: -v logs each request, -vv also causes of errors and library logs'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -s q -l quiet -d 'Print only the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "setup" -d 'Route hosts through an egress gateway, install one if there is none, and prove it'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "doctor" -d 'Check whether egress works and, if not, explain why'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "explain" -d 'Explain a check, the objects of a flow, or the rights that a verb needs'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "cleanup" -d 'Remove what setup made, restore what it changed, and prove that nothing is left'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "status" -d 'Show routed hosts, their paths, traffic counts, and pods that can bypass the gateway'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "lockdown" -d 'Restrict namespaces\' egress to the gateway, and check that it is enforced'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "unlock" -d 'Remove the lockdown policy'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "version" -d 'Show the versions of this program, of the cluster and of Istio'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "completion" -d 'Print or install completion scripts and man pages'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
