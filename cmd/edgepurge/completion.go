package main

import "github.com/spf13/cobra"

func newCompletion() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a script that completes command lines",
		Long:  "Print a script that makes a shell complete edgepurge's commands and flags.",
		Example: `  source <(edgepurge completion bash)
  edgepurge completion zsh > "${fpath[1]}/_edgepurge"
  edgepurge completion fish > ~/.config/fish/completions/edgepurge.fish
  edgepurge completion powershell | Out-String | Invoke-Expression`,
		ValidArgs: shells,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || cobra.OnlyValidArgs(cmd, args) != nil {
				return usage("%s takes one of bash, zsh, fish, powershell; see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			}
			return root.GenPowerShellCompletionWithDesc(out)
		},
	}
}
