# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_kubectl_egress_global_optspecs
    string join \n kubeconfig= context= cluster= user= n/namespace= as= as-group= as-uid= s/server= token= certificate-authority= tls-server-name= insecure-skip-tls-verify client-certificate= client-key= cache-dir= request-timeout= istio-namespace= revision= v/verbose q/quiet h/help
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
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l context -d 'The kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l cluster -d 'The kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l user -d 'The kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -s n -l namespace -d 'The namespace to work in' -r
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
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l request-timeout -d 'How long a single request may take (0: the default, 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l istio-namespace -d 'The namespace of istiod (default: look everywhere)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l revision -d 'The revision of the control plane, where there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -s v -l verbose -d 'Say more: -v each request, -vv also what the libraries do'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -s q -l quiet -d 'Say nothing but the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -s h -l help -d 'Print help'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "setup" -d 'Wire hosts through an egress gateway, installing one if there is none, and prove it'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "doctor" -d 'Say whether egress works and, if not, why'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "explain" -d 'What the objects of a flow are for, and what a check looks for'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "cleanup" -d 'Remove what setup made, restore what it changed, and prove that nothing is left'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "status" -d 'The wired hosts, their way, what went through, and who can go round'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "lockdown" -d 'Let namespaces leave only through the gateway, and see whether that holds'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "unlock" -d 'Take the policy of lockdown away'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "version" -d 'The versions of this program, of the cluster and of Istio'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "completion" -d 'Print a completion script for a shell, or for kubectl'
complete -c kubectl-egress -n "__fish_kubectl_egress_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -s f -l filename -d 'Take hosts, ports and callers from a file (- is standard input)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l from -d 'Who calls: NS[/KIND/NAME] (default: the current namespace; a second run adds)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l gateway -d 'The gateway, by its Service: NS/SERVICE (default: the only one, or a new one)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l installer -d 'How a gateway is installed where there is none' -r -f -a "auto\t'Use the gateway that is there; where there is none, install one by injection'
injection\t'A Deployment whose pods istiod\'s webhook turns into gateways'
istiooperator\t'A live `IstioOperator` object that an operator in the cluster reconciles (Istio 1.23 and older)'
istioctl\t'The `IstioOperator` file that Istio is installed from (--istio-operator FILE), by istioctl install'
none\t'Install nothing: use the gateway that is there'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l istio-operator -d 'An IstioOperator file with the gateway in spec.components.egressGateways; with --installer istioctl, the file that Istio is installed from, which the gateway is added to' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l replicas -d 'How many gateway pods' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l node-selector -d 'Only on nodes with this label: KEY=VALUE (repeatable)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l toleration -d 'A taint that the gateway\'s pods stand: KEY[=VALUE][:EFFECT] (repeatable)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l client-cert -d 'A Secret in the gateway\'s namespace with the client certificate for the host (with --originate-tls)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l hop -d 'From the sidecar to the gateway' -r -f -a "auto\t'Mutual TLS where the gateway has a port for it'
plain\t'As the application sent it'
mtls\t'Mutual TLS of the mesh'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l address -d 'The addresses of a tcp host (default: what the client resolves now)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l allow -d 'Only these service accounts may call: NS/NAME (needs mutual TLS to the gateway)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -s s -l server -d 'The one server that answers for a wildcard host, such as *.wikipedia.org (a URL here is kubectl\'s --server, the address of the API server)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l probe-path -d 'The path of the request that proves the way' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -s o -l output -d 'How the result is printed' -r -f -a "text\t'For people'
yaml\t'The objects, for kubectl apply -f -'
json\t'The objects as a List'
name\t'Only the names of the objects'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l dry-run -d 'Write nothing: only print the objects (client), or let the server check them (server)' -r -f -a "none\t'Write'
client\t'Send nothing'
server\t'Let the server check and forget'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l wait -d 'Wait until it is in force (--wait=false: return after the last write)' -r -f -a "true\t''
false\t''"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l timeout -d 'How long the whole command may take' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l context -d 'The kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l cluster -d 'The kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l user -d 'The kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -s n -l namespace -d 'The namespace to work in' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l as -d 'User to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l as-group -d 'Group to impersonate (repeatable)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l token -d 'Bearer token for the API server' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l certificate-authority -d 'Certificate authority of the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l tls-server-name -d 'The name that the API server\'s certificate must have' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l client-certificate -d 'Client certificate for the API server' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l client-key -d 'Key of the client certificate' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l cache-dir -d 'Accepted as kubectl does; this program keeps no cache' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l request-timeout -d 'How long a single request may take (0: the default, 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l istio-namespace -d 'The namespace of istiod (default: look everywhere)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l revision -d 'The revision of the control plane, where there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l prune -d 'With -f: hosts and callers that came from an earlier version of the file and are no longer in it go'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l print-schema -d 'Print the JSON schema of the file that -f takes, for editors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l split -d 'Write nothing: print what the owners of the gateway\'s namespace have to write, then what the callers have to'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l inject -d 'Label a caller\'s namespace that has no sidecars, and restart its workloads'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l access-log -d 'Have the gateway, and only the gateway, write an access log'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l originate-tls -d 'The application speaks HTTP; the gateway starts TLS with the host and verifies its name'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l no-probe -d 'Send no request: do not ask the host before and after'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l diff -d 'Only show what would change; exit 0 where nothing would, 1 where something would'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -s y -l yes -d 'Do not ask'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l force-conflicts -d 'Take over fields that another field manager holds'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -s v -l verbose -d 'Say more: -v each request, -vv also what the libraries do'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -s q -l quiet -d 'Say nothing but the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand setup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l host -d 'The host to look at (default: every host that is wired through a gateway)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l port -d 'The port that the application connects to (default: every declared port of the host, else 443)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l protocol -d 'What the application speaks there: http, https, tls or tcp (default: what the port or its ServiceEntry says)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l from -d 'Who calls: NS[/KIND/NAME] (default: the current namespace)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l layers -d 'Which truths to look at: what the objects say, what the proxies were given, what connections do (default: all three; without connections where there are more than 20 paths)' -r -f -a "intended\t'What the objects say'
programmed\t'What each proxy was given'
observed\t'What a connection does'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l only -d 'Only these checks' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l skip -d 'Not these checks; the annotation egress.kubectl.io/ignore: CODE,CODE on an object does the same for it' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -s f -l filename -d 'Judge these manifests, laid over the cluster (- is standard input; a folder means the files in it)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l bundle -d 'Write all that was read to a file, without secrets' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l snapshot -d 'Look at what --bundle has written, in place of a cluster' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l fail-on -d 'From which severity on the exit code is 1' -r -f -a "error\t'Errors only'
warning\t'Warnings too'
never\t'Nothing'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -s o -l output -d 'How the report is printed' -r -f -a "text\t'For people: the path drawn, what to change, why'
wide\t'The same, with what took each decision'
json\t'The whole report'
yaml\t'The same as YAML'
name\t'The objects to change, as kubectl takes them'
sarif\t'SARIF 2.1.0, for code scanning'
junit\t'JUnit XML, for CI'
html\t'One page with the paths drawn'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l timeout -d 'How long it may take' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l context -d 'The kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l cluster -d 'The kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l user -d 'The kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -s n -l namespace -d 'The namespace to work in' -r
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
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l request-timeout -d 'How long a single request may take (0: the default, 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l istio-namespace -d 'The namespace of istiod (default: look everywhere)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l revision -d 'The revision of the control plane, where there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -s A -l all-namespaces -d 'The callers of all namespaces'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l offline -d 'Without a cluster: the manifests in a mesh with Istio\'s defaults'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l bypass -d 'Try the ways round the gateway too, from the pods that are there: past the sidecar, by address, another port or UDP, as the proxy\'s user, without a sidecar'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l fix -d 'Offer the fixes: each is shown as a difference and asked for'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -s y -l yes -d 'With --fix: do not ask'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l watch -d 'Look again whenever something changes, until Ctrl-C'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l wait -d 'Look again until there is no problem, at most for --timeout'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -s v -l verbose -d 'Say more: -v each request, -vv also what the libraries do'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -s q -l quiet -d 'Say nothing but the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l context -d 'The kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l cluster -d 'The kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l user -d 'The kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -s n -l namespace -d 'The namespace to work in' -r
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
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l request-timeout -d 'How long a single request may take (0: the default, 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l istio-namespace -d 'The namespace of istiod (default: look everywhere)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l revision -d 'The revision of the control plane, where there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -s v -l verbose -d 'Say more: -v each request, -vv also what the libraries do'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -s q -l quiet -d 'Say nothing but the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand explain" -s h -l help -d 'Print help'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l dry-run -d 'Write nothing: only print the objects (client), or let the server check them (server)' -r -f -a "none\t'Write'
client\t'Send nothing'
server\t'Let the server check and forget'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l wait -d 'Wait until it is in force (--wait=false: return after the last write)' -r -f -a "true\t''
false\t''"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l timeout -d 'How long the whole command may take' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l context -d 'The kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l cluster -d 'The kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l user -d 'The kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -s n -l namespace -d 'The namespace to work in' -r
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
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l request-timeout -d 'How long a single request may take (0: the default, 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l istio-namespace -d 'The namespace of istiod (default: look everywhere)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l revision -d 'The revision of the control plane, where there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l all -d 'Every host of this namespace (with -A: of the cluster)'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -s A -l all-namespaces -d 'For the callers of all namespaces'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l diff -d 'Only show what would change; exit 0 where nothing would, 1 where something would'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -s y -l yes -d 'Do not ask'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l force-conflicts -d 'Take over fields that another field manager holds'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -s v -l verbose -d 'Say more: -v each request, -vv also what the libraries do'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -s q -l quiet -d 'Say nothing but the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand cleanup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l interval -d 'Count twice, this long apart, and show rates' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l timeout -d 'How long it may take (with --watch: no limit)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -s o -l output -d 'How it is printed' -r -f -a "text\t'For people'
wide\t'For people with wide screens'
json\t'The whole of it'
yaml\t'The same as YAML'
name\t'Only HOST:PORT'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l context -d 'The kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l cluster -d 'The kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l user -d 'The kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -s n -l namespace -d 'The namespace to work in' -r
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
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l request-timeout -d 'How long a single request may take (0: the default, 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l istio-namespace -d 'The namespace of istiod (default: look everywhere)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l revision -d 'The revision of the control plane, where there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -s A -l all-namespaces -d 'The callers of all namespaces'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -s w -l watch -d 'Show it again and again, until interrupted'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -s v -l verbose -d 'Say more: -v each request, -vv also what the libraries do'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -s q -l quiet -d 'Say nothing but the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l in-cluster -d 'What stays open within the cluster: all (every pod), none (only what the mesh needs), or the pods of NS,… (default: all, or what an earlier run said)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l gateway -d 'The gateways that stay open: NS/SERVICE (default: those that carry the namespace\'s hosts)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l probe -d 'The host that is tried round the gateway: HOST[:PORT][=PROTOCOL] (default: one that is wired)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -s o -l output -d 'How the result is printed' -r -f -a "text\t'For people'
yaml\t'The objects, for kubectl apply -f -'
json\t'The objects as a List'
name\t'Only the names of the objects'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l dry-run -d 'Write nothing: only print the objects (client), or let the server check them (server)' -r -f -a "none\t'Write'
client\t'Send nothing'
server\t'Let the server check and forget'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l wait -d 'Wait until it is in force (--wait=false: return after the last write)' -r -f -a "true\t''
false\t''"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l timeout -d 'How long the whole command may take' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l context -d 'The kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l cluster -d 'The kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l user -d 'The kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -s n -l namespace -d 'The namespace to work in' -r
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
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l request-timeout -d 'How long a single request may take (0: the default, 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l istio-namespace -d 'The namespace of istiod (default: look everywhere)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l revision -d 'The revision of the control plane, where there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l allow-apiserver -d 'Keep the API server open, for pods that talk to it'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l no-probe -d 'Do not try to get round it'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l diff -d 'Only show what would change; exit 0 where nothing would, 1 where something would'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -s y -l yes -d 'Do not ask'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l force-conflicts -d 'Take over fields that another field manager holds'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -s v -l verbose -d 'Say more: -v each request, -vv also what the libraries do'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -s q -l quiet -d 'Say nothing but the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand lockdown" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l dry-run -d 'Write nothing: only print the objects (client), or let the server check them (server)' -r -f -a "none\t'Write'
client\t'Send nothing'
server\t'Let the server check and forget'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l wait -d 'Wait until it is in force (--wait=false: return after the last write)' -r -f -a "true\t''
false\t''"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l timeout -d 'How long the whole command may take' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l context -d 'The kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l cluster -d 'The kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l user -d 'The kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -s n -l namespace -d 'The namespace to work in' -r
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
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l request-timeout -d 'How long a single request may take (0: the default, 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l istio-namespace -d 'The namespace of istiod (default: look everywhere)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l revision -d 'The revision of the control plane, where there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l diff -d 'Only show what would change; exit 0 where nothing would, 1 where something would'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -s y -l yes -d 'Do not ask'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l force-conflicts -d 'Take over fields that another field manager holds'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -s v -l verbose -d 'Say more: -v each request, -vv also what the libraries do'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -s q -l quiet -d 'Say nothing but the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand unlock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l timeout -d 'How long it may take' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -s o -l output -d 'How the result is printed' -r -f -a "text\t'For people'
json\t'One JSON object'
yaml\t'The same as YAML'"
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l context -d 'The kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l cluster -d 'The kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l user -d 'The kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -s n -l namespace -d 'The namespace to work in' -r
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
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l request-timeout -d 'How long a single request may take (0: the default, 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l istio-namespace -d 'The namespace of istiod (default: look everywhere)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l revision -d 'The revision of the control plane, where there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l client -d 'Only the version of this program; no cluster is asked'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -s v -l verbose -d 'Say more: -v each request, -vv also what the libraries do'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -s q -l quiet -d 'Say nothing but the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l kubeconfig -d 'Path to the kubeconfig file (default: KUBECONFIG, a list, or ~/.kube/config)' -r -F
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l context -d 'The kubeconfig context to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l cluster -d 'The kubeconfig cluster to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l user -d 'The kubeconfig user to use' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -s n -l namespace -d 'The namespace to work in' -r
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
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l request-timeout -d 'How long a single request may take (0: the default, 10s)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l istio-namespace -d 'The namespace of istiod (default: look everywhere)' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l revision -d 'The revision of the control plane, where there are several' -r
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -l insecure-skip-tls-verify -d 'Do not verify the API server\'s certificate'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -s v -l verbose -d 'Say more: -v each request, -vv also what the libraries do'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -s q -l quiet -d 'Say nothing but the result, warnings and errors'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "setup" -d 'Wire hosts through an egress gateway, installing one if there is none, and prove it'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "doctor" -d 'Say whether egress works and, if not, why'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "explain" -d 'What the objects of a flow are for, and what a check looks for'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "cleanup" -d 'Remove what setup made, restore what it changed, and prove that nothing is left'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "status" -d 'The wired hosts, their way, what went through, and who can go round'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "lockdown" -d 'Let namespaces leave only through the gateway, and see whether that holds'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "unlock" -d 'Take the policy of lockdown away'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "version" -d 'The versions of this program, of the cluster and of Istio'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "completion" -d 'Print a completion script for a shell, or for kubectl'
complete -c kubectl-egress -n "__fish_kubectl_egress_using_subcommand help; and not __fish_seen_subcommand_from setup doctor explain cleanup status lockdown unlock version completion help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
