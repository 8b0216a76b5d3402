// The one function of kubecfg that sealed-secrets' controller.jsonnet uses.
{ parseYaml(text):: local y = std.parseYaml(text); if std.isArray(y) then y else [y] }
