from gotocloud.stacks.app import main

raise SystemExit(main())
